package authz

// configured returns what Config.Rules declares of a field, or else what the schema does.
func (c *compiler) configured(coordinate string, written declaration) declaration {
	rule, ok := c.config.Rules[coordinate]
	if !ok {
		return written
	}
	if written.declared() {
		c.add(coordinate, "has a rule in the schema and one in Config.Rules; remove the one in Config.Rules")
	}
	if rule == nil {
		return declaration{public: true, configured: true}
	}
	if len(rule) == 0 {
		c.add(coordinate, "has a rule in Config.Rules without an alternative, which no caller can satisfy; list one")
	}
	for _, one := range rule {
		c.checkEnum(coordinate, "Role", one.Roles)
		if one.Owner != "" {
			c.checkOwner(coordinate, one.Owner)
		}
		if one.MaxAge < 0 {
			c.add(coordinate,
				"has a negative MaxAge in Config.Rules, which no caller can satisfy; give seconds, or 0 for any")
		}
	}
	return declaration{rule: rule, configured: true}
}

// checkRules rejects a rule of Config.Rules for a field that the schema does not have.
func (c *compiler) checkRules() {
	for _, at := range sortedNames(c.config.Rules) {
		if !c.fields[at].configured {
			c.add("Config.Rules", "has a rule for %s, which is no field of an object type; correct the name", at)
		}
	}
}
