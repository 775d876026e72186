package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// injectedName matches the names that Kubernetes and Docker set for a Service or a link whose name begins with
// gatehouse, such as GATEHOUSE_PORT=tcp://10.0.0.1:8080. No variable of ours has such a name.
var injectedName = regexp.MustCompile(
	`^GATEHOUSE(_[A-Z0-9_]+)?(_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?` +
		`|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR|START|END|PORT_START|PORT_END))?)?)$`)

// linkName matches the other two names that Docker sets for a link. Its value of NAME is /CONTAINER/ALIAS.
var linkName = regexp.MustCompile(`(?s)^GATEHOUSE(_[A-Z0-9_]+)?(_NAME=/[^/]+/[^/]+|_ENV_[^=]+=.*)$`)

func isInjected(name, value string) bool {
	return injectedName.MatchString(name) || linkName.MatchString(name+"="+value)
}

// platformVariables are read where the ones of ours are not set.
var platformVariables = map[string]string{"PORT": "GATEHOUSE_ADDR", "DATABASE_URL": "GATEHOUSE_DATABASE_URL"}

// checkEnvironment refuses names that look like ours and are not, since a typing error would go unnoticed, and values
// with what nobody sees.
func checkEnvironment(all *faults, values map[string]string) {
	var known []string
	for _, v := range Variables() {
		known = append(known, v.Name)
	}
	for name, ours := range platformVariables {
		if values[ours] == "" {
			known = append(known, name)
		}
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case all.source(name) != name: // from a file, and checked
		case slices.Contains(known, name):
			if err := checkVisible(values[name]); err != nil {
				all.add(name, "%w", err)
			}
		case strings.HasPrefix(name, "GATEHOUSE_") && !isInjected(name, values[name]):
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		all.add(strings.Join(unknown, ", "), "this version has no such variable; `gatehouse help config` lists them all")
	}
}

var (
	// endpoint is the value of an injected name that ends in _PORT, or in _PORT_, a number and a protocol.
	endpoint = regexp.MustCompile(`^(tcp|udp|sctp)(://.+)?$`)
	// numberName matches the injected names whose value is a number.
	numberName = regexp.MustCompile(`(_SERVICE_PORT(_[A-Z0-9_]+)?|_[0-9]+_(TCP|UDP|SCTP)_PORT(_START|_END)?)$`)
)

// isInjectedValue reports whether Kubernetes or Docker would write such a value under an injected name.
func isInjectedValue(name, value string) bool {
	ip, err := netip.ParseAddr(value)
	_, noNumber := strconv.ParseUint(value, 10, 16)
	return endpoint.MatchString(value) || err == nil && !ip.IsUnspecified() && !ip.IsLoopback() ||
		noNumber == nil && numberName.MatchString(name)
}

// warnOfGuesses warns of values that somebody wrote under names that are passed over, and says which name they may have
// meant. It quotes no value.
func warnOfGuesses(values map[string]string) (warnings []string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		if value != "" && injectedName.MatchString(name) && !isInjectedValue(name, value) {
			warnings = append(warnings, fmt.Sprintf("%s is ignored: Kubernetes and Docker set such names, for a Service or a link "+
				"whose name begins with gatehouse; did you mean %s?", name, nearestVariable(name)))
		}
	}
	return warnings
}

// nearestVariable returns the variable whose name is most like one that says a host or a port.
func nearestVariable(name string) string {
	of := regexp.MustCompile(`(_SERVICE_HOST|_SERVICE_PORT.*|_PORT.*)$`).ReplaceAllString(name, "")
	distance := func(v Variable) int {
		return min(levenshtein.ComputeDistance(of, v.Name), levenshtein.ComputeDistance(of+"_ADDR", v.Name))
	}
	return slices.MinFunc(Variables(), func(a, b Variable) int { return cmp.Compare(distance(a), distance(b)) }).Name
}

// checkVisible refuses what an editor, a shell or a secret store adds to a value unseen: it would become a part of
// tokens, addresses and keys. Its errors quote nothing, since the value may be a secret.
func checkVisible(value string) error {
	if value == "" {
		return nil
	}
	if strings.TrimSpace(value) != value {
		return errors.New("the value begins or ends with white space (a line break, perhaps); remove it")
	}
	if first := value[0]; len(value) > 1 && first == value[len(value)-1] && (first == '"' || first == '\'') {
		return errors.New("the value has quotes around it, which would be a part of it; remove them")
	}
	if !utf8.ValidString(value) {
		return errors.New("the value is not UTF-8; write it again (a secret of any bytes is written in base64)")
	}
	for position, r := range value {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r != ' ' && unicode.IsSpace(r) {
			return fmt.Errorf("the value has an invisible character (%U) at byte %d; remove it", r, position+1)
		}
	}
	return nil
}
