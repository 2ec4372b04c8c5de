package dbfile

import (
	"fmt"
	"reflect"
	"runtime/debug"
	"sync"
	"unsafe"

	"go.etcd.io/bbolt"
)

// failure is the error that a panic or a fault becomes.
func (f *File) failure(what string, panicked any) *Failure {
	return &Failure{f.path, what, fmt.Errorf("%w: %v", ErrDamaged, panicked)}
}

// fail ends the use of the file for good. The first reason stands.
func (f *File) fail(why *Failure) *Failure {
	f.failed.CompareAndSwap(nil, why)
	return f.failed.Load()
}

// caught turns a panic of a transaction into an error. bbolt gives its locks back
// when a function panics inside a transaction. When it panics itself, where it
// begins one or rolls one back, it keeps them, and whoever came next would wait for
// ever: then the locks are given back here, and the file is not used again.
func (f *File) caught(panicked any, tx *bbolt.Tx, held ...string) error {
	f.log.Error("reading the store failed", "store", f.path, "error", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	away := f.Look() // most likely the file was cut off
	if tx != nil && tx.DB() == nil {
		if away != nil {
			return away
		}
		return f.failure("a part of the store cannot be read", panicked)
	}
	why := f.fail(f.failure("the store cannot be read", panicked))
	for _, name := range held {
		release(f.db, name)
	}
	return why
}

// release unlocks one of bbolt's locks, which it offers no way to.
func release(db *bbolt.DB, name string) {
	field := reflect.ValueOf(db).Elem().FieldByName(name)
	switch lock := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Interface().(type) {
	case *sync.Mutex:
		lock.Unlock()
	case *sync.RWMutex:
		lock.RUnlock()
	}
}
