package config

import (
	"errors"
	"fmt"
	"reflect"
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
			if how := f.Tag.Get("file"); how == "line" || how == "raw" {
				all = append(all, Variable{Name: name + fileSuffix, Help: "file with the value of " + name + ", in place of it"})
			}
		}
	}
	return all
}

// nameVariables replaces Go fields in a parser's errors by the names of variables.
func nameVariables(all *faults, err error) {
	var many env.AggregateError
	if !errors.As(err, &many) {
		all.errs = append(all.errs, err)
		return
	}
	for _, one := range many.Errors {
		var parse env.ParseError
		if !errors.As(one, &parse) {
			all.errs = append(all.errs, one)
			continue
		}
		f, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		why := fmt.Errorf("not a %s: %w", parse.Type, parse.Err)
		switch f.Type {
		case reflect.TypeFor[time.Duration]():
			why = fmt.Errorf("not a duration, such as 10m or 720h: %w", parse.Err)
		case reflect.TypeFor[int]():
			why = fmt.Errorf("not a whole number: %w", parse.Err)
		}
		all.add(f.Tag.Get("env"), "%w", why)
	}
}
