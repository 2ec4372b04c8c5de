package command

import "io"

// maxKept bounds each end of the output that is kept, in bytes.
const maxKept = 32 << 10

// keeper keeps the beginning and the end of an output of any size, in at most 3 * maxKept.
type keeper struct {
	head, tail []byte
	wrote      int64
}

// drain reads until the end, whatever is written: a command must not hang because nobody
// reads it.
func (k *keeper) drain(r io.Reader) {
	buf := make([]byte, maxKept)
	for {
		n, err := r.Read(buf)
		k.keep(buf[:n])
		if err != nil {
			return
		}
	}
}

func (k *keeper) keep(p []byte) {
	k.wrote += int64(len(p))
	if room := min(maxKept-len(k.head), len(p)); room > 0 {
		k.head = append(k.head, p[:room]...)
	}
	if over := len(k.tail) + len(p) - maxKept; over > 0 {
		k.tail = append(k.tail[:0], k.tail[min(over, len(k.tail)):]...)
	}
	k.tail = append(k.tail, p[max(0, len(p)-maxKept):]...)
}

// ends returns the first and the last of what was written.
func (k *keeper) ends() (head, tail []byte, wrote int64) { return k.head, k.tail, k.wrote }
