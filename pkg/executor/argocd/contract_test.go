package argocd_test

import "testing"

func TestARollbackKeepsTheContractOfExecutors(t *testing.T) {
	a := &argo{}
	a.contract(t, "rollback-deployment", func(*testing.T) {
		a.set(func() { a.history = append(a.history, entry(11, "eee555")) })
	})
}

func TestASyncKeepsTheContractOfExecutors(t *testing.T) {
	a := &argo{}
	a.contract(t, "sync-deployment", func(*testing.T) { a.set(func() { a.multi = true }) })
}
