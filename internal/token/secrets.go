package token

import (
	"bytes"
	"errors"
	"sync/atomic"
)

// Secrets are the secrets that an instance accepts: one, or two while the secret is rotated. What it makes, it makes
// with the one that is in use, on which all instances agree by the database. It may be used concurrently.
type Secrets struct {
	all   []*Secret
	inUse atomic.Int32
}

// NewSecrets takes the secret of the configuration and, while that is rotated, the former one.
func NewSecrets(secret *Secret, former ...*Secret) (*Secrets, error) {
	s := &Secrets{all: append([]*Secret{secret}, former...)}
	for i, one := range s.all {
		for _, other := range s.all[:i] {
			if bytes.Equal(one.fingerprint, other.fingerprint) {
				return nil, errors.New("it is the same as the secret; give the one that the database was used with before")
			}
		}
	}
	return s, nil
}

// Newest returns the secret of the configuration, which is in use once the secret has been rotated.
func (s *Secrets) Newest() *Secret { return s.all[0] }

// InUse returns the secret with which everything is made.
func (s *Secrets) InUse() *Secret { return s.all[s.inUse.Load()] }

// Rotating reports whether there is a former secret, which opens what it sealed.
func (s *Secrets) Rotating() bool { return len(s.all) > 1 }

// Use makes the secret of a fingerprint the one in use. It reports whether there is one.
func (s *Secrets) Use(fingerprint []byte) bool {
	for i, one := range s.all {
		if bytes.Equal(one.fingerprint, fingerprint) {
			s.inUse.Store(int32(i))
			return true
		}
	}
	return false
}

// Open is Secret.Open with whichever secret sealed it.
func (s *Secrets) Open(purpose Purpose, sealed []byte) (plaintext []byte, err error) {
	for _, one := range s.all {
		if plaintext, err = one.Open(purpose, sealed); err == nil {
			return plaintext, nil
		}
	}
	return nil, err
}

// perSecret are the keys that one use derives from each secret.
type perSecret[T any] struct {
	secrets *Secrets
	keys    []T
}

func newPerSecret[T any](s *Secrets, derive func(*Secret) (T, error)) (perSecret[T], error) {
	p := perSecret[T]{s, make([]T, len(s.all))}
	for i, one := range s.all {
		var err error
		if p.keys[i], err = derive(one); err != nil {
			return p, err
		}
	}
	return p, nil
}

// inUse returns the keys of the secret in use.
func (p perSecret[T]) inUse() T { return p.keys[p.secrets.inUse.Load()] }
