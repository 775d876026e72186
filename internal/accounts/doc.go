// Package accounts holds the rules of accounts and sessions, one file a use case; no other package queries or writes
// their tables. It knows no GraphQL, no HTTP and no environment. The caller is a parameter. Whether they may call is
// already decided by package authz; this package decides whose data it is.
//
// Each use case reads the clock once. Hashing stays outside of transactions. Unique indexes decide conflicts: nothing
// checks and then inserts. A signed-in caller writes through Service.write, which checks their session in the
// transaction.
package accounts
