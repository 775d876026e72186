package config_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

func load(t *testing.T, environment ...string) *config.Config {
	t.Helper()
	c, err := config.Load(environment)
	testenv.Check(t, err)
	return c
}

// TestReadSecret_FileIsCreatedOnceBesideTheDatabase, for its owner's eyes only, whatever the umask.
func TestReadSecret_FileIsCreatedOnceBesideTheDatabase(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	c := load(t, "GATEHOUSE_DATABASE_URL=sqlite:"+filepath.Join(dir, "g.db"))
	text, err := c.ReadSecret()
	if source := c.SecretVariable(); err != nil || source != "GATEHOUSE_SECRET_FILE" {
		t.Fatalf("source %q, %v", source, err)
	}
	if _, err := token.ParseSecret(text); err != nil {
		t.Errorf("what was made cannot be used: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "gatehouse.secret"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info.Mode(), err)
	}
	if again, err := c.ReadSecret(); again != text || err != nil {
		t.Errorf("the second time it is another, %v", err)
	}
	other, _ := load(t, "GATEHOUSE_SECRET_FILE="+filepath.Join(t.TempDir(), "s")).ReadSecret()
	if other == text || other == "" {
		t.Error("two files got the same secret")
	}
	only(t, dir, "gatehouse.secret")
}

// only checks that a folder holds one file, and no draft of it.
func only(t *testing.T, dir, want string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != want {
		t.Errorf("the folder holds %v, %v; want only %s", files, err, want)
	}
}

// links are what file systems answer to a hard link: that of this machine, and those that have none.
func links() map[string]func(draft, path string) error {
	all := map[string]func(draft, path string) error{"a link": os.Link}
	for _, no := range []syscall.Errno{syscall.EPERM, syscall.ENOTSUP, syscall.ENOSYS, syscall.EMLINK, syscall.EINVAL,
		syscall.EXDEV, syscall.EIO} {
		all[no.Error()] = func(draft, path string) error { return &os.LinkError{Op: "link", Old: draft, New: path, Err: no} }
	}
	return all
}

func TestReadSecret_ConcurrentReadersReadOneSecret(t *testing.T) {
	for answer, link := range links() {
		t.Run(answer, func(t *testing.T) { readConcurrently(t, link) })
	}
}

func readConcurrently(t *testing.T, link func(draft, path string) error) {
	for range 20 {
		dir := t.TempDir()
		path := filepath.Join(dir, "s")
		texts := make([]string, 8)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range texts {
			c := load(t, "GATEHOUSE_SECRET_FILE="+path)
			wg.Go(func() {
				<-start
				var err error
				if texts[i], err = c.ReadSecretBy(link); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		for _, text := range texts {
			if text != texts[0] || len(text) != 45 {
				t.Fatalf("%d bytes; the same as the first: %v", len(text), text == texts[0])
			}
		}
		only(t, dir, "s")
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v; want mode 0600", info, err)
		}
	}
}

// TestReadSecret_ConcurrentProcessesReadOneSecret does the same with processes, as instances are.
func TestReadSecret_ConcurrentProcessesReadOneSecret(t *testing.T) {
	if path := os.Getenv("CONFIG_TEST_CHILD"); path != "" {
		text, err := load(t, "GATEHOUSE_SECRET_FILE="+path).ReadSecret()
		testenv.Check(t, err)
		os.Stdout.WriteString("read<" + strings.TrimSpace(text) + ">\n")
		return
	}
	path := filepath.Join(t.TempDir(), "s")
	outs := make([]string, 8)
	var wg sync.WaitGroup
	for i := range outs {
		wg.Go(func() {
			child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
			child.Env = append(os.Environ(), "CONFIG_TEST_CHILD="+path)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			outs[i], _, _ = strings.Cut(string(out), "\n")
		})
	}
	wg.Wait()
	text, err := os.ReadFile(path)
	for _, out := range outs {
		if want := "read<" + strings.TrimSpace(string(text)) + ">"; out != want || err != nil {
			t.Errorf("%q, want %q, %v", out, want, err)
		}
	}
}

func TestReadSecret_ExistingFileIsNotChanged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	for _, content := range []string{"my secret\n", "\n", " \x00 "} {
		testenv.Check(t, os.WriteFile(path, []byte(content), 0o640))
		c := load(t, "GATEHOUSE_SECRET_FILE="+path)
		text, err := c.ReadSecret()
		if source := c.SecretVariable(); text != content || source != "GATEHOUSE_SECRET_FILE" || err != nil {
			t.Errorf("%q, %s, %v; want %q", text, source, err, content)
		}
		if kept, _ := os.ReadFile(path); string(kept) != content {
			t.Errorf("the file now holds %q", kept)
		}
	}
	only(t, dir, "s")
}

func TestReadSecret_UnusableSourceIsRefused(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty") // as a process leaves it that ended while it created it
	zeros := filepath.Join(dir, "zeros") // as a power cut leaves it
	testenv.Check(t, errors.Join(os.WriteFile(empty, nil, 0o600), os.WriteFile(zeros, make([]byte, 45), 0o600)))
	cases := map[string]struct {
		environment []string
		named       string
		says        string
	}{
		"Postgres without one": {[]string{"GATEHOUSE_DATABASE_URL=postgres://h/d"}, "GATEHOUSE_SECRET", "required"},
		"an empty file":        {[]string{"GATEHOUSE_SECRET_FILE=" + empty}, "GATEHOUSE_SECRET_FILE", "delete it"},
		"zeros":                {[]string{"GATEHOUSE_SECRET_FILE=" + zeros}, "GATEHOUSE_SECRET_FILE", "delete it"},
		"a folder":             {[]string{"GATEHOUSE_SECRET_FILE=" + dir}, "GATEHOUSE_SECRET_FILE", dir},
		"no such folder": {
			[]string{"GATEHOUSE_SECRET_FILE=" + filepath.Join(dir, "no", "s")},
			"GATEHOUSE_SECRET_FILE", "creating the secret file",
		},
	}
	for name, c := range cases {
		text, err := load(t, c.environment...).ReadSecret()
		if text != "" || err == nil || !strings.HasPrefix(err.Error(), c.named+": ") ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	controls := map[string][]string{
		"Postgres with one": {"GATEHOUSE_DATABASE_URL=postgres://h/d", "GATEHOUSE_SECRET=x"},
		"Postgres and a file": {
			"GATEHOUSE_DATABASE_URL=postgres://h/d", "GATEHOUSE_SECRET_FILE=" + filepath.Join(dir, "s"),
		},
		"SQLite and a variable": {"GATEHOUSE_DATABASE_URL=sqlite:" + filepath.Join(dir, "no", "g.db"), "GATEHOUSE_SECRET=x"},
	}
	for name, environment := range controls {
		if text, err := load(t, environment...).ReadSecret(); text == "" || err != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// TestExposedFiles_AreThoseThatEveryUserMayRead: each file with a secret that a variable names, with every mode.
func TestExposedFiles_AreThoseThatEveryUserMayRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	testenv.Check(t, os.WriteFile(path, []byte("sqlite:"+path+"-0123456789abcdef0123456789abcdef"), 0o600))
	variables := []string{"GATEHOUSE_SIGNING_KEY"}
	for _, v := range config.Variables() {
		if strings.HasSuffix(v.Name, "_FILE") {
			variables = append(variables, v.Name)
		}
	}
	for _, variable := range variables {
		testenv.Check(t, os.Chmod(path, 0o600))
		environment := []string{variable + "=" + path}
		if variable != "GATEHOUSE_SECRET_FILE" {
			environment = append(environment, "GATEHOUSE_SECRET=x")
		}
		if variable == "GATEHOUSE_SMTP_URL_FILE" {
			testenv.Check(t, os.WriteFile(path, []byte("smtp://h"), 0o600))
			environment = append(environment, from...)
		}
		c := load(t, environment...)
		for mode := range os.FileMode(0o1000) {
			testenv.Check(t, os.Chmod(path, mode))
			warnings := c.ExposedFiles()
			if exposed := mode&0o004 != 0; (len(warnings) == 1) != exposed || exposed &&
				(!strings.HasPrefix(warnings[0], variable) || !strings.Contains(warnings[0], "chmod o= "+path)) {
				t.Errorf("%s, mode %o: %q", variable, mode, warnings)
			}
		}
	}
}
