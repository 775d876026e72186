package server

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Config is the configuration in the terms of the rooms that use it. All of it is read before the database is
// touched, so that a start that cannot succeed changes nothing.
type Config struct {
	*config.Config
	secret       *token.Secret
	secretSource string     // the variable that gave it
	signingKey   *token.Key // nil: the database keeps one
	hashingCost  password.Cost
	hashesAtOnce int
	derive       func(pw, salt []byte, c password.Cost) ([]byte, error) // nil: hashes are made in this process
	limits       querylimit.Limits
	throttle     *accounts.ThrottleLimits // nil: off
	audit        bool                     // Options.Audit
	watch        watch                    // who is told what happens; serve switches on what is configured
	timeout      time.Duration            // Options.Timeout
}

// ReadConfig reads the whole configuration from an environment of NAME=value lines.
func ReadConfig(environment []string) (*Config, error) {
	c, err := config.Load(environment)
	if err != nil {
		return nil, err
	}
	s := &Config{Config: c, hashesAtOnce: runtime.GOMAXPROCS(0), timeout: OperationTimeout}
	if err := database.CheckURL(c.DatabaseURL); err != nil {
		return nil, err
	}
	if s.limits, err = querylimit.ParseLimits(c.Limits); err != nil {
		return nil, config.Invalid("GATEHOUSE_LIMITS", err)
	}
	if s.throttle, err = accounts.ParseThrottle(c.Throttle); err != nil {
		return nil, config.Invalid("GATEHOUSE_THROTTLE", err)
	}
	if s.throttle == nil && !c.Loopback() {
		return nil, config.Invalid("GATEHOUSE_THROTTLE", errors.New("off lets anybody guess passwords; only a server on loopback may use it"))
	}
	if s.hashingCost, err = password.ParseCost(c.Argon2); err != nil {
		return nil, config.Invalid("GATEHOUSE_ARGON2", err)
	}
	if s.hashingCost.WeakerThan(password.DefaultCost) && !c.Loopback() {
		return nil, config.Invalid("GATEHOUSE_ARGON2", fmt.Errorf("%v is less than %v, which only a server on loopback may use", s.hashingCost, password.DefaultCost))
	}
	if s.signingKey, err = readSigningKey(c); err != nil {
		return nil, err
	}
	text, source, err := c.ReadSecret()
	if err != nil {
		return nil, err
	}
	s.secretSource = source
	if s.secret, err = token.ParseSecret(text); err != nil {
		return nil, config.Invalid(source, err)
	}
	return s, nil
}

func readSigningKey(c *config.Config) (*token.Key, error) {
	pem, err := c.ReadSigningKey()
	if err != nil || pem == nil {
		return nil, err
	}
	key, err := token.ParseKey(pem)
	if err != nil {
		return nil, config.Invalid("GATEHOUSE_SIGNING_KEY", err)
	}
	return key, nil
}
