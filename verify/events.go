package verify

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// maxEvent bounds each line of the feed and the data of each event, in bytes.
const maxEvent = 4 << 10

// readEvents reads server-sent events (HTML, section 9.2.6) and calls handle for each, until reading or handle fails.
// Lines end with LF or CR LF; id and retry are ignored. The end of the stream is an error: a feed never ends.
func readEvents(stream io.Reader, handle func(name, data string) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, maxEvent), maxEvent)
	var name string
	var data []string
	size := 0
	for lines.Scan() {
		if lines.Text() == "" { // ends an event
			if len(data) > 0 {
				if err := handle(name, strings.Join(data, "\n")); err != nil {
					return err
				}
			}
			name, data, size = "", nil, 0
			continue
		}
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			if size += len(value) + 1; size > maxEvent {
				return errors.New("an event is too long")
			}
			data = append(data, value)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}
