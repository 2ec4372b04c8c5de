package intake

// Document reads the JSON document that a text holds, as some senders put one into
// another. Its paths go on from the text's. What is no JSON is a mistake.
func (v Value) Document() Value {
	next := Value{v.path, missing{}, v.wrong}
	text := v.Text()
	if text == "" {
		return next
	}
	inner, err := ReadJSON([]byte(text))
	if err != nil {
		v.Refuse("must be a JSON document, written as a string")
		return next
	}
	next.is = inner.is
	return next
}

// Some returns the first items of an array, most at most, and none of anything else.
// Nothing is a mistake. It is for what is only shown to people.
func (v Value) Some(most int) []Value {
	all, _ := v.is.([]any)
	return Value{v.path, all[:min(len(all), most)], v.wrong}.List(most)
}
