// Package accounts holds the rules of accounts and sessions, one file a use case, and alone queries and writes their
// tables. It knows no GraphQL, no HTTP and no environment. The caller is a parameter, and whether they may call is
// already decided; what is decided here is whose it is.
//
// Clocks are read once a use case. Hashing stays outside of transactions. Unique indexes decide conflicts: nothing
// checks and then inserts. A write checks the caller's session in its own transaction.
package accounts
