package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// inFiles calls f with the values of each variable that may be in a file.
func inFiles(t *testing.T, f func(v values, text string)) {
	t.Helper()
	tried := map[string]bool{}
	for _, v := range allValues {
		if !isVariable(v.variable + "_FILE") {
			continue
		}
		for _, text := range v.texts {
			tried[v.variable+"_FILE"] = true
			f(v, text)
		}
	}
	for _, v := range config.Variables() {
		if strings.HasSuffix(v.Name, "_FILE") && !tried[v.Name] {
			t.Errorf("%s was not tried", v.Name)
		}
	}
}

func isVariable(name string) bool {
	for _, v := range config.Variables() {
		if v.Name == name {
			return true
		}
	}
	return false
}

func write(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "value")
	testenv.Check(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// TestFiles_HoldWhatVariablesWould: each variable that has a file takes its good values from it, with or without a line
// break behind them, and refuses its bad ones by the name of the file's variable.
func TestFiles_HoldWhatVariablesWould(t *testing.T) {
	inFiles(t, func(v values, text string) {
		if v.variable == "GATEHOUSE_SECRET" { // read later: see TestReadSecret
			return
		}
		name := v.variable + "_FILE"
		for _, end := range []string{"", "\n", "\r\n"} {
			path := write(t, text+end)
			got, err := config.Load(append([]string{name + "=" + path}, v.with...))
			if v.refused != "" {
				if err == nil || !strings.HasPrefix(err.Error(), name+": ") || !strings.Contains(err.Error(), v.refused) {
					t.Errorf("%s with %q: %v", name, text, err)
				}
				continue
			}
			testenv.Check(t, err)
			want := load(t, append([]string{v.variable + "=" + text}, v.with...)...)
			want.Files = got.Files
			testenv.Equal(t, want, got, "%s", name)
		}
	})
}

// TestFiles_UnusableOnesAreRefused: not there, empty, a folder, beside the variable, or with what cannot be seen.
func TestFiles_UnusableOnesAreRefused(t *testing.T) {
	inFiles(t, func(v values, text string) {
		name, path := v.variable+"_FILE", write(t, text)
		refused := func(what, named, says string, environment ...string) {
			t.Helper()
			_, err := config.Load(append(environment, v.with...))
			if err == nil || !strings.HasPrefix(err.Error(), named+": ") || !strings.Contains(err.Error(), says) ||
				len(text) > 5 && strings.Contains(err.Error(), text) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if v.refused == "" {
			refused("both", v.variable, name+" is set too", v.variable+"="+text, name+"="+path)
		}
		if v.refused != "" || v.variable == "GATEHOUSE_SECRET" {
			return
		}
		refused("missing", name, "no such file", name+"="+path+"x")
		refused("a folder", name, "directory", name+"="+filepath.Dir(path))
		for _, empty := range []string{"", "\n", " \n", "\r\n"} {
			refused("empty", name, "empty", name+"="+write(t, empty))
		}
		if v.variable == "GATEHOUSE_SECRET_PREVIOUS" {
			return // any bytes, as the file of the secret was
		}
		for what, change := range unseen {
			if changed := change(text); changed != text+"\n" && strings.TrimSpace(changed) != "" {
				refused(what, name, "the value ", name+"="+write(t, changed))
			}
		}
	})
}
