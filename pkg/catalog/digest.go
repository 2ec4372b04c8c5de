package catalog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// digestForm names the encoding that Digest hashes. Change it with the encoding,
// so that no digest of one form can equal one of another.
const digestForm = "opsguard fix 1"

// Digest is SHA-256, in hex, over every field of the entry. Plans carry it: an
// entry that was changed after people approved a plan makes that plan stale.
// Each part is preceded by its length in 8 bytes, and the list of parameters by
// its own, so that no text can move from one field to the next unseen.
func (f Fix) Digest() string {
	h := sha256.New()
	add := func(parts ...string) {
		for _, p := range parts {
			var n [8]byte
			binary.BigEndian.PutUint64(n[:], uint64(len(p)))
			h.Write(n[:])
			h.Write([]byte(p))
		}
	}
	add(digestForm, f.ID, f.Title, f.Sentence, f.Description, string(f.Risk), f.Verification, strconv.Itoa(len(f.Params)))
	for _, p := range f.Params {
		add(p.Name, string(p.Kind), strconv.Itoa(p.Min), strconv.Itoa(p.Max), strconv.Itoa(p.Default), p.Description)
	}
	return hex.EncodeToString(h.Sum(nil))
}
