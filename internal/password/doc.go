// Package password hashes passwords and verifies them, in even time and with bounded memory.
//
// One scheme: Argon2id (RFC 9106), stored as PHC strings. One pool: a hash of the default cost takes 19 MiB and tens
// of milliseconds of one processor, so only a few run simultaneously. Callers wait a short while for a slot, and then
// get ErrBusy: a flood of sign-ins costs its clients answers, and not the server its memory.
//
// The package knows no users and no requests, and never logs or repeats a password.
package password
