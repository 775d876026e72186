// Package passkey checks passkeys (Web Authentication, Level 3): it makes the options of a ceremony, and verifies what
// the browser answers. It stores nothing and knows no accounts: its caller makes the challenges, sees to it that each is
// used once and in time, and finds the stored passkey by its id.
//
// Options are what PublicKeyCredential.parseCreationOptionsFromJSON and parseRequestOptionsFromJSON take; responses are
// what a credential's toJSON returns.
package passkey
