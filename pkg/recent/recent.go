// Package recent remembers what was put into it last, within a bound. Start at Map.
package recent

import "sync"

// Map holds the last most entries at least and twice as many at most: in two generations,
// of which the older one is dropped when the younger one is full. It is safe for
// concurrent use.
type Map[K comparable, V any] struct {
	most int

	mu         sync.Mutex
	young, old map[K]V
}

// NewMap makes an empty map.
func NewMap[K comparable, V any](most int) *Map[K, V] { return &Map[K, V]{most: most} }

// Get returns an entry, and keeps it as if it was put again.
func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, ok := m.young[key]; ok {
		return value, true
	}
	value, ok := m.old[key]
	if ok {
		m.put(key, value)
	}
	return value, ok
}

// Peek returns an entry, which is forgotten no later for it.
func (m *Map[K, V]) Peek(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, ok := m.young[key]; ok {
		return value, true
	}
	value, ok := m.old[key]
	return value, ok
}

// Put adds or replaces an entry.
func (m *Map[K, V]) Put(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, value)
}

// Delete forgets an entry.
func (m *Map[K, V]) Delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.young, key)
	delete(m.old, key)
}

// Len is how many entries there are; one of both generations counts twice.
func (m *Map[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.young) + len(m.old)
}

func (m *Map[K, V]) put(key K, value V) {
	if m.young == nil || len(m.young) >= m.most {
		m.young, m.old = make(map[K]V, m.most), m.young
	}
	m.young[key] = value
}
