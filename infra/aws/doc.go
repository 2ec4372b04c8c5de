// Package aws is OpsGuard on AWS: it binds one step to one Lambda function. It
// only binds; what happens is in pkg/steps. Every main of functions/ begins at
// Main, opens what its step needs from the packages below, and hands a handler
// back. Those packages are apart so that a function links only the clients that
// it uses: a cold start costs a millisecond for each 300 KB or so.
//
//	secret    one SSM parameter each, kept for five minutes at most
//	outside   what integrations see of the world
//	records   the DynamoDB store
//	workflow  the state machine
//	people    the channels and the links that people get
//	viewer    links that only show, for the steps after a decision
//	front     the web handler behind API Gateway
//
// The others are named after the step that they bind.
package aws
