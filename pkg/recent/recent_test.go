package recent_test

import (
	"sync"
	"testing"

	"github.com/opsguard/opsguard/pkg/recent"
)

func TestTheLastOnesAreThereAndNoMoreThanTwice(t *testing.T) {
	const most = 10
	m := recent.NewMap[int, int](most)
	for n := range 100 {
		m.Put(n, -n)
		there := 0
		for k := range 100 {
			v, ok := m.Peek(k)
			if ok {
				there++
			}
			if last := k <= n && k > n-most; last && (!ok || v != -k) {
				t.Fatalf("after %d, %d is %d, %v", n, k, v, ok)
			}
		}
		if there > 2*most || m.Len() > 2*most {
			t.Fatalf("after %d there are %d, by its count %d", n, there, m.Len())
		}
	}
}

func TestWhatIsAskedForStaysAndWhatIsPeekedAtDoesNot(t *testing.T) {
	m := recent.NewMap[string, bool](4)
	m.Put("asked", true)
	m.Put("peeked", true)
	for n := range 40 {
		m.Put(string(rune('a'+n)), true)
		m.Get("asked")
		m.Peek("peeked")
	}
	_, asked := m.Peek("asked")
	_, peeked := m.Peek("peeked")
	if !asked || peeked {
		t.Errorf("what was asked for is there: %v, what was peeked at: %v; want true and false", asked, peeked)
	}
}

func TestWhatIsDeletedIsGone(t *testing.T) {
	m := recent.NewMap[int, int](1)
	m.Put(1, 1)
	m.Put(2, 2) // 1 is of the older generation
	m.Delete(1)
	m.Delete(2)
	for k := range 3 {
		if _, ok := m.Get(k); ok {
			t.Errorf("%d is there", k)
		}
	}
}

func TestManyMayUseItAtOnce(t *testing.T) {
	m := recent.NewMap[int, int](8)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for k := range 200 {
				m.Put(k, k)
				if v, ok := m.Get(k + n); ok && v != k+n {
					t.Errorf("%d is %d", k+n, v)
				}
				m.Delete(k - n)
			}
		})
	}
	group.Wait()
}
