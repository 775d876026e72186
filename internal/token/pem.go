package token

import (
	"bytes"
	"encoding/pem"
	"errors"
)

// keyAdvice ends every error about a signing key.
const keyAdvice = "; a signing key is one unencrypted PKCS#8 PEM block of Ed25519, ECDSA P-256 or RSA of 2048 to " +
	"8192 bits; make one with: openssl genpkey -algorithm ed25519"

const toPKCS8 = "; convert it with: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW"

func refuseKey(why string) error { return errors.New("the signing key " + why + keyAdvice) }

// refusedBlocks are the PEM blocks that people mistake for a PKCS#8 private key: what each is, and how to convert it.
var refusedBlocks = map[string]string{
	"ENCRYPTED PRIVATE KEY": "is encrypted; decrypt it with: openssl pkcs8 -in OLD -out NEW",
	"RSA PRIVATE KEY":       "is PKCS#1" + toPKCS8,
	"EC PRIVATE KEY":        "is SEC 1" + toPKCS8,
	"EC PARAMETERS":         "begins with the parameters of a curve" + toPKCS8,
	"OPENSSH PRIVATE KEY":   "is in OpenSSH's own format",
	"PUBLIC KEY":            "is a public key, and signing needs the private one",
	"RSA PUBLIC KEY":        "is a public key, and signing needs the private one",
	"CERTIFICATE":           "is a certificate, which holds no private key",
}

// ParseKey reads a PEM file of one PKCS#8 private key. Its errors say what the file is instead and how to convert it.
func ParseKey(text []byte) (*Key, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, refuseKey("is not PEM")
	}
	if why, ok := refusedBlocks[block.Type]; ok {
		return nil, refuseKey(why)
	}
	if block.Type != "PRIVATE KEY" {
		return nil, refuseKey("is a PEM block of another kind")
	}
	if len(block.Headers) > 0 {
		return nil, refuseKey("has PEM headers")
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, refuseKey("is followed by something else in the file")
	}
	return UnmarshalKey(block.Bytes)
}
