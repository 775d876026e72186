package web

import (
	"maps"
	"slices"
)

// accountAction is what the button of a page does: to send a document, with what the reader has typed.
type accountAction struct {
	Document              string // of GraphQL
	Email, Password, Name bool   // what is typed
	Open                  bool   // to all: the other documents need the token of a mail
	Forgot                bool   // whether a mail for a new password is another way on
}

// accountActions are the pages: each is /account/PAGE. But for forgot, which has a mail sent, links of mails lead to
// them.
var accountActions = map[string]accountAction{
	"verify": {
		Document: `mutation($token: String!) { verifyEmail(input: {token: $token}) { success } }`,
	},
	"change-email": {
		Document: `mutation($token: String!) { confirmEmailChange(input: {token: $token}) { success } }`,
	},
	"undo-email": {
		Document: `mutation($token: String!) { revertEmailChange(input: {token: $token}) { success } }`,
		Forgot:   true,
	},
	"secure": {
		Document: `mutation($token: String!) { secureAccount(input: {token: $token}) { success } }`,
		Forgot:   true,
	},
	"reset": {
		Document: `mutation($token: String!, $password: String!) ` +
			`{ resetPassword(input: {token: $token, newPassword: $password}) { accessToken } }`,
		Password: true,
		Forgot:   true,
	},
	"invitation": {
		Document: `mutation($token: String!, $password: String!, $name: String) ` +
			`{ acceptInvitation(input: {token: $token, password: $password, name: $name}) { accessToken } }`,
		Password: true,
		Name:     true,
	},
	"register": {
		Document: `mutation($token: String!, $password: String!, $name: String) ` +
			`{ verifyEmail(input: {token: $token, password: $password, name: $name}) { success } }`,
		Password: true,
		Name:     true,
	},
	"export": {
		Document: `mutation($token: String!) { downloadMyData(input: {token: $token}) { json } }`,
	},
	"forgot": {
		Document: `mutation($email: String!) { requestPasswordReset(input: {email: $email}) { success } }`,
		Email:    true,
		Open:     true,
	},
}

// AccountPages are the names of the pages.
var AccountPages = slices.Sorted(maps.Keys(accountActions))
