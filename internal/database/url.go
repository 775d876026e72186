package database

import (
	"errors"
	"strings"
)

// CheckURL says what is wrong with a database URL, without touching the disk or the network.
func CheckURL(url string) error {
	_, err := parse(url)
	return err
}

// SQLitePath returns the path in a URL of the form sqlite:PATH. It is false for every other URL.
func SQLitePath(url string) (string, bool) {
	e, _ := parse(url)
	f, ok := e.(*file)
	if !ok {
		return "", false
	}
	return f.path, true
}

// errURL quotes nothing: what cannot be read may be a password in the wrong place.
var errURL = errors.New("database: the URL cannot be read: it looks like sqlite:gatehouse.db or " +
	"postgres://USER:PASSWORD@HOST:5432/NAME, and in a password every character other than letters, digits and " +
	"- . _ ~ is percent-encoded (/ is %2F, # is %23)")

func parse(text string) (engine, error) {
	scheme, rest, _ := strings.Cut(text, ":")
	switch scheme {
	case "sqlite":
		return parseFile(rest)
	case "postgres", "postgresql":
		return parseServer(text)
	}
	return nil, errURL
}

func parseFile(path string) (engine, error) {
	switch {
	case path == "":
		return nil, errors.New("database: sqlite: names no file: write sqlite:gatehouse.db")
	case path == ":memory:":
		return nil, errors.New("database: sqlite::memory: is not supported, every connection would see a database " +
			"of its own: name a file, as in sqlite:gatehouse.db")
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return nil, errors.New("database: sqlite:// takes no host: write sqlite:gatehouse.db, or " +
			"sqlite:/var/lib/gatehouse.db")
	case strings.ContainsRune(path, 0):
		return nil, errors.New("database: the path in sqlite:PATH holds a zero byte: remove it")
	}
	return &file{path: path}, nil
}
