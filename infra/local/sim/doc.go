// Package sim is the deterministic simulation: one seed drives a whole world in
// which the real steps, rules, policy, catalogue, inventory, links and state
// machine run over a simulated store, workflow, target, tracker, chat and model.
// Start reading at Run.
//
// Everything happens on one thread and in virtual time. Each step runs as a
// coroutine that stops at every port call; the scheduler, by the seed, says who
// goes on, so concurrent steps, approvers, alerts, recoveries and reconcile runs
// interleave at every point where they could. Faults are drawn from the same
// seed: processes crash between two writes and lose the steps of the workflow that were
// not on disk yet, replies of writes that were made are
// lost, invocations are duplicated, delayed and stalled past their time-out,
// adapters fail or are slow, and services.yaml and the definition are redeployed
// in between. Then the world is left in peace until it settles, and every
// invariant (ARCHITECTURE.md, Invariants) is checked from what the store holds
// and from the target's own log of what was done to it.
//
// A real target has a version, which every fix depends on and changes. Its platform may
// take longer than a fix's limit, take it and do nothing, stop halfway, refuse, break the
// connection, or show what was a while ago; its service may stay unwell; and somebody may
// change it by hand at any moment. The target knows what became of each fix, so what the
// records say of it is held against that. A call that acts may reach its platform twice, or
// minutes after its client has given up; the platform knows it again by its key.
//
// A seed replays exactly: the same seed, the same trace. Tests plant bugs through
// Hooks and require that they are found.
package sim
