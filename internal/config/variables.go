package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Variable is one line of `gatehouse help config`.
type Variable struct{ Name, Default, Help string }

// Variables lists every variable that the program reads, in the order of Config.
func Variables() []Variable {
	var all []Variable
	for f := range reflect.TypeFor[Config]().Fields() {
		if name := f.Tag.Get("env"); name != "-" {
			all = append(all, Variable{Name: name, Default: f.Tag.Get("envDefault"), Help: f.Tag.Get("help")})
		}
	}
	return all
}

// refuseUnknown refuses names that look like ours and are not: a typing error would go unnoticed.
func refuseUnknown(values map[string]string) error {
	var unknown []string
	for name := range values {
		listed := func(v Variable) bool { return v.Name == name }
		if strings.HasPrefix(name, "GATEHOUSE_") && !slices.ContainsFunc(Variables(), listed) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return fmt.Errorf("%s: this version has no such variable; `gatehouse help config` lists them all",
		strings.Join(unknown, ", "))
}

// nameVariables replaces Go fields in a parser's errors by the names of variables.
func nameVariables(err error) error {
	var many env.AggregateError
	if !errors.As(err, &many) {
		return err
	}
	var all []error
	for _, one := range many.Errors {
		var parse env.ParseError
		if !errors.As(one, &parse) {
			all = append(all, one)
			continue
		}
		f, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		why := fmt.Errorf("not a %s: %w", parse.Type, parse.Err)
		if f.Type == reflect.TypeFor[time.Duration]() {
			why = fmt.Errorf("not a duration, such as 10m or 720h: %w", parse.Err)
		}
		all = append(all, Invalid(f.Tag.Get("env"), why))
	}
	return errors.Join(all...)
}
