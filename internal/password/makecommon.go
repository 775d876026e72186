//go:build ignore

// This program makes common.txt from the ranked list of an npm package; NOTICE names the package and its version. The
// list is given on standard input, because a build should not reach for the network:
//
//	npm pack @zxcvbn-ts/language-common@4.1.3
//	tar -xzOf zxcvbn-ts-language-common-4.1.3.tgz package/src/passwords.json | go run makecommon.go
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	entries = 10_000
	input   = "f422773d94d630f27e08b26d7017e847bb1feb2a84809340e9c0b0c47b33e3f1" // of passwords.json
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != input {
		log.Fatalf("another list than the one NOTICE describes: its SHA-256 is %x", sum)
	}
	var ranked []string
	if err := json.Unmarshal(text, &ranked); err != nil {
		log.Fatal(err)
	}
	var list []string
	for _, pw := range ranked {
		pw = strings.ToLower(pw)
		// Shorter ones can never be chosen (MinLength), so they do not count among the 10,000.
		if utf8.RuneCountInString(pw) >= 8 && len(list) < entries && !slices.Contains(list, pw) {
			list = append(list, pw)
		}
	}
	if len(list) != entries {
		log.Fatalf("only %d passwords", len(list))
	}
	slices.Sort(list)
	if err := os.WriteFile("common.txt", []byte(strings.Join(list, "\n")+"\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(list), "passwords")
}
