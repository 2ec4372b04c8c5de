package dynamo

import (
	"cmp"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// endpointVariable names any DynamoDB: the emulator, DynamoDB Local, or AWS's.
const endpointVariable = "OPSGUARD_TEST_DYNAMODB"

// testConfig reaches the DynamoDB that the environment names.
func testConfig(t testing.TB) aws.Config {
	endpoint := os.Getenv(endpointVariable)
	if endpoint == "" {
		t.Skip("set " + endpointVariable + " to a DynamoDB endpoint, for instance http://127.0.0.1:4566 after make emulator-up")
	}
	return aws.Config{
		Region: cmp.Or(os.Getenv("AWS_REGION"), "us-east-1"), BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), "test"), SecretAccessKey: cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), "test"),
				SessionToken: os.Getenv("AWS_SESSION_TOKEN")}, nil
		}),
	}
}

// newTable makes a table like template.yaml's and removes it at the end.
func newTable(t testing.TB, cfg aws.Config) string {
	t.Helper()
	client := dynamodb.NewFromConfig(cfg)
	table := aws.String("opsguard-test-" + ulid.Make().String())
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	schema := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
	}
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attribute(attrPK), attribute(attrSK), attribute(attrList), attribute(attrID)},
		KeySchema:            schema(attrPK, attrSK),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String(indexName), KeySchema: schema(attrList, attrID), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}}},
	})
	// The name is new: a table that exists was made by a call whose answer was late.
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: table}); err != nil {
			t.Log(err)
		}
	})
	if err := dynamodb.NewTableExistsWaiter(client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: table}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return *table
}

func TestStoreContract(t *testing.T) {
	cfg := testConfig(t)
	store, err := Open(cfg, Settings{Table: newTable(t, cfg)})
	if err != nil {
		t.Fatal(err)
	}
	stepstest.StoreContract(t, func(*testing.T) stepstest.Store { return store })
}

func TestFlowsKeepTheirContract(t *testing.T) {
	cfg := testConfig(t)
	store, err := Open(cfg, Settings{Table: newTable(t, cfg)})
	if err != nil {
		t.Fatal(err)
	}
	stepstest.FlowsContract(t, store)
}

func TestWhatTheHealthCheckKnowsKeepsItsContract(t *testing.T) {
	cfg := testConfig(t)
	store, err := Open(cfg, Settings{Table: newTable(t, cfg)})
	if err != nil {
		t.Fatal(err)
	}
	stepstest.HealthMemoryContract(t, store)
}
