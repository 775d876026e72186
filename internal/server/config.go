package server

import (
	"errors"
	"fmt"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/mail"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Config is the configuration, with the values that only other packages understand in their types. All of it is read
// before the database is touched, so that a start that cannot succeed changes nothing.
type Config struct {
	*config.Config
	secrets     *token.Secrets
	signingKey  *token.Key // nil: signing keys are stored in the database
	hashingCost password.Cost
	limits      querylimit.Limits
	throttle    *accounts.ThrottleLimits // nil: off
	templates   *mail.Templates
	theme       []byte // nil: none
}

// ReadConfig reads the configuration from an environment of NAME=value lines. Its error names the variable. It creates
// the secret file when that is to be used and does not exist.
func ReadConfig(environment []string) (*Config, error) {
	values, err := config.Load(environment)
	if err != nil {
		return nil, err
	}
	c := &Config{Config: values}
	err = errors.Join(database.CheckURL(c.DatabaseURL), c.parseLimits(), c.parseThrottle(), c.parseHashingCost(),
		c.readSigningKey(), c.readTemplates(), c.readTheme())
	if err == nil { // it may create a file: a start that is refused leaves none behind
		err = c.readSecrets()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) parseLimits() (err error) {
	if c.limits, err = querylimit.ParseLimits(c.Limits); err != nil {
		return config.Invalid("GATEHOUSE_LIMITS", err)
	}
	return nil
}

func (c *Config) parseThrottle() (err error) {
	c.throttle, err = accounts.ParseThrottle(c.Throttle)
	if err == nil && c.throttle == nil && !c.Loopback() {
		err = errors.New("off lets clients guess passwords; only a server on loopback may use it")
	}
	if err != nil {
		return config.Invalid("GATEHOUSE_THROTTLE", err)
	}
	return nil
}

func (c *Config) parseHashingCost() (err error) {
	c.hashingCost, err = password.ParseCost(c.Argon2)
	if err == nil && c.hashingCost.WeakerThan(password.DefaultCost) && !c.Loopback() {
		err = fmt.Errorf("%v is less than %v; only a server on loopback may use it", c.hashingCost,
			password.DefaultCost)
	}
	if err != nil {
		return config.Invalid("GATEHOUSE_ARGON2", err)
	}
	return nil
}

// proxyWarnings warn of what is meant for a server on loopback that nobody else reaches.
func (c *Config) proxyWarnings() (warnings []string) {
	for what, is := range map[string]bool{
		"GATEHOUSE_THROTTLE=off lets clients guess passwords":   c.throttle == nil,
		"GATEHOUSE_ARGON2 makes hashes that are cheap to guess": c.hashingCost.WeakerThan(password.DefaultCost),
	} {
		if is && c.MayBeProxied() {
			warnings = append(warnings, what+", which is for loopback, and the issuer is not: if a proxy shows this server "+
				"to others, set it")
		}
	}
	return warnings
}

func (c *Config) readSigningKey() error {
	pem, err := c.ReadSigningKey()
	if err != nil || pem == nil {
		return err
	}
	if c.signingKey, err = token.ParseKey(pem); err != nil {
		return config.Invalid("GATEHOUSE_SIGNING_KEY", err)
	}
	return nil
}

// readSecrets reads the secret and, while it is rotated, the former one.
func (c *Config) readSecrets() error {
	text, err := c.ReadSecret()
	if err != nil {
		return err
	}
	secret, err := token.ParseSecret(text)
	if err != nil {
		return config.Invalid(c.SecretVariable(), err)
	}
	var former []*token.Secret
	if c.Previous != "" {
		previous, err := token.ParseSecret(c.Previous)
		if err != nil {
			return config.Invalid(c.PreviousVariable(), err)
		}
		former = append(former, previous)
	}
	if c.secrets, err = token.NewSecrets(secret, former...); err != nil {
		return config.Invalid(c.PreviousVariable(), err)
	}
	return nil
}
