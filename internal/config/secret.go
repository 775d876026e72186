package config

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// SecretVariable returns the name of the variable that gives the secret.
func (c *Config) SecretVariable() string {
	if c.SecretFile == "" {
		return "GATEHOUSE_SECRET"
	}
	return "GATEHOUSE_SECRET_FILE"
}

// PreviousVariable returns the name of the variable that gives the former secret.
func (c *Config) PreviousVariable() string {
	return (&faults{files: c.Files}).source("GATEHOUSE_SECRET_PREVIOUS")
}

// ReadSecret returns the text of the secret. A secret file that does not exist is created, readable by its owner only.
// When several processes create it simultaneously, one wins and all read its secret.
func (c *Config) ReadSecret() (string, error) { return c.readSecret(os.Link) }

func (c *Config) readSecret(link func(draft, path string) error) (string, error) {
	if c.Secret != "" {
		return c.Secret, nil
	}
	if c.SecretFile == "" {
		return "", Invalid("GATEHOUSE_SECRET", errors.New("is required with Postgres (or GATEHOUSE_SECRET_FILE): "+
			"at least 32 random bytes, the same on every instance; `openssl rand -base64 32` makes one"))
	}
	content, err := readWritten(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createSecret(c.SecretFile, link); err != nil {
			if folder := filepath.Dir(c.SecretFile); errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("the folder %s does not exist; create it, or name a file in another", folder)
			}
			return "", Invalid(c.SecretVariable(), fmt.Errorf("creating the secret file %s: %w", c.SecretFile, err))
		}
		content, err = readWritten(c.SecretFile)
	}
	if err != nil {
		return "", Invalid(c.SecretVariable(), err)
	}
	return string(content), nil
}

// createSecret writes a new secret under another name first, so that no process reads a half-written file. Linking the
// name fails when another process was quicker. Where there are no hard links (FAT, SMB, some volumes of containers), the
// process that can create the file writes it there. Nothing is renamed to it: some of these remove the file
// first, and another process creates it again meanwhile, with another secret.
func createSecret(path string, link func(draft, path string) error) error {
	raw := make([]byte, 32)
	rand.Read(raw)
	secret := base64.StdEncoding.EncodeToString(raw) + "\n"
	draft, err := os.CreateTemp(filepath.Dir(path), ".gatehouse.secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	if err := writeSynced(draft, secret); err != nil {
		return err
	}
	if err := link(draft.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := writeSynced(file, secret); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func writeSynced(file *os.File, text string) error {
	_, err := file.WriteString(text)
	return errors.Join(err, file.Sync(), file.Close())
}

// readWritten reads a secret file. It waits for a process that creates it at this moment, whose file is empty. A power
// cut then leaves nothing or zeros in it.
func readWritten(path string) (content []byte, err error) {
	for range 50 {
		content, err = os.ReadFile(path)
		if err != nil || len(bytes.Trim(content, "\x00")) > 0 {
			return content, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s is empty: restore it from a backup, or delete it to have a new one created", path)
}

// ExposedFiles returns a warning for each file with a secret that every user of the machine may read.
func (c *Config) ExposedFiles() (warnings []string) {
	for _, f := range append([]File{{"GATEHOUSE_SECRET_FILE", c.SecretFile}, {"GATEHOUSE_SIGNING_KEY", c.SigningKey}},
		c.Files...) {
		info, err := os.Stat(f.Path)
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0 {
			warnings = append(warnings, fmt.Sprintf("%s: every user of this machine may read %s; "+
				"change that by chmod o= %[2]s, or mount it with a mode such as 0400", f.Variable, f.Path))
		}
	}
	return warnings
}
