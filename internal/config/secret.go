package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// SecretVariable returns the name of the variable that gives the secret.
func (c *Config) SecretVariable() string {
	if c.SecretFile == "" {
		return "GATEHOUSE_SECRET"
	}
	return "GATEHOUSE_SECRET_FILE"
}

// ReadSecret returns the text of the secret. A secret file that does not exist is created, readable by its owner only.
// When several processes create it simultaneously, one wins and all read its secret.
func (c *Config) ReadSecret() (string, error) {
	if c.Secret != "" {
		return c.Secret, nil
	}
	if c.SecretFile == "" {
		return "", Invalid("GATEHOUSE_SECRET", errors.New("is required with Postgres (or GATEHOUSE_SECRET_FILE): "+
			"at least 32 random bytes, the same on every instance; `openssl rand -base64 32` makes one"))
	}
	content, err := os.ReadFile(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createSecret(c.SecretFile); err != nil {
			if folder := filepath.Dir(c.SecretFile); errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("the folder %s does not exist; create it, or name a file in another", folder)
			}
			return "", Invalid(c.SecretVariable(), fmt.Errorf("creating the secret file %s: %w", c.SecretFile, err))
		}
		content, err = os.ReadFile(c.SecretFile)
	}
	if err != nil {
		return "", Invalid(c.SecretVariable(), err)
	}
	return string(content), nil
}

// createSecret writes a new secret under another name first, so that no process reads a half-written file.
func createSecret(path string) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".gatehouse.secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	raw := make([]byte, 32)
	rand.Read(raw)
	_, err = draft.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// ExposedFiles returns a warning for each file with a secret that every user of the machine may read.
func (c *Config) ExposedFiles() (warnings []string) {
	for _, f := range []struct{ variable, path string }{
		{"GATEHOUSE_SECRET_FILE", c.SecretFile}, {"GATEHOUSE_SIGNING_KEY", c.SigningKey},
	} {
		info, err := os.Stat(f.path)
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0 {
			warnings = append(warnings, fmt.Sprintf("%s: every user of this machine may read %s; "+
				"change that by chmod o= %[2]s, or mount it with a mode such as 0400", f.variable, f.path))
		}
	}
	return warnings
}
