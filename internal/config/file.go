package config

import (
	"errors"
	"os"
	"reflect"
	"strings"
)

// fileSuffix ends the name of a variable that names a file with another variable's value.
const fileSuffix = "_FILE"

// File is a file that a variable names.
type File struct{ Variable, Path string }

// readFiles sets the variables whose values are in files, as the secrets of containers are. The tag file of a field says
// how the file is read: line is one line as the variable would hold it; raw is all of it, for a secret of any bytes; created is read later.
func (c *Config) readFiles(all *faults, values map[string]string) {
	for f := range reflect.TypeFor[Config]().Fields() {
		name, how := f.Tag.Get("env"), f.Tag.Get("file")
		path := values[name+fileSuffix]
		if how == "" || path == "" {
			continue
		}
		if values[name] != "" {
			all.add(name, "%s is set too; keep one of them", name+fileSuffix)
			continue
		}
		if how == "created" { // SecretFile
			continue
		}
		text, err := readValue(path, how)
		if err != nil {
			all.add(name+fileSuffix, "%w", err)
		}
		values[name] = text
		c.Files = append(c.Files, File{name + fileSuffix, path})
		all.files = c.Files
	}
}

// readValue reads a file with the value of a variable. A line break at its end, which editors and echo write, does not
// count. No error quotes what is in the file.
func readValue(path, how string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text, broken := strings.CutSuffix(string(content), "\n")
	if broken {
		text = strings.TrimSuffix(text, "\r")
	}
	if strings.TrimSpace(text) == "" {
		return "", errors.New(path + " is empty; write the value into it, or unset the variable")
	}
	if how == "line" {
		err = checkVisible(text)
	}
	return text, err
}
