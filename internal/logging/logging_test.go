package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// forgery would begin a line, colour it, end it early, turn it round, or look like another field.
const forgery = "a\r\nlevel=ERROR msg=forged\x1b[31m\x00\x7f\u009b\u2028\u202egnp\u2066\ufeff\"" +
	" user=root \U000e0041 \xff b"

// TestNew_NoTextChangesHowALineLooks: for both formats, wherever in a line the text stands.
func TestNew_NoTextChangesHowALineLooks(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		log := New(Config{JSON: asJSON, Out: &out})
		log.With("with", forgery).Error(forgery, "text", forgery, forgery, "value", "error", errors.New(forgery),
			"any", []string{forgery})
		line := out.String()
		text, ok := strings.CutSuffix(line, "\n")
		if !ok || strings.ContainsFunc(text, unprintable) { // \n is unprintable too
			t.Errorf("%q", line)
		}
		if !strings.Contains(line, `\u202e`) || !strings.Contains(line, "forged") {
			t.Errorf("it should be there, visibly: %s", line)
		}
		if !asJSON {
			continue
		}
		var fields map[string]any
		err := json.Unmarshal(out.Bytes(), &fields)
		if err != nil || fields["text"] != strings.ToValidUTF8(forgery, "\ufffd") {
			t.Errorf("%v: %q; want the text as it was", err, fields["text"])
		}
	}
}
