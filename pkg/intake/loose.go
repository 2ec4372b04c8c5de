package intake

// Apart returns the same value with mistakes of its own. It is for what is only shown
// to people: if a part of it is not as documented, the alert is still taken.
func (v Value) Apart() Value {
	v.wrong = new(error)
	return v
}
