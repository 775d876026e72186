import { random } from './random.js';

// A new account at each load of the page: nothing is stored, and readers of this file know no password.
const email = `ada-${random(3)}@example.com`;
const password = random(10);

const variables = (input) => JSON.stringify({ input }, null, 2);

// What the Playground opens with, a tab each. Secrets are variables, so that the documents can be shown around.
export const operations = [
  {
    query: `# Makes an account and signs it in.
#
# The requests that follow carry the accessToken
# of the answer. The page keeps it in memory only.
# Each load of the page makes up new variables.
#
# Ctrl+Enter runs it. Where Tab has led to an
# editor, Enter goes in, and Esc out again.
mutation Register($input: RegisterInput!) {
  register(input: $input) {
    accessToken
    refreshToken
    expiresIn
    user {
      id
      email
      createdAt
    }
  }
}
`,
    variables: variables({ email, password, name: 'Ada' }),
  },
  {
    query: `# Signs in with what Register has registered.
mutation Login($input: LoginInput!) {
  login(input: $input) {
    accessToken
    refreshToken
    expiresIn
    user {
      email
    }
  }
}
`,
    variables: variables({ email, password }),
  },
  {
    query: `# Who is signed in.
#
# Refused until Register or Login has run.
query Me {
  me {
    id
    email
    name
    roles
    createdAt
  }
}
`,
  },
  {
    query: `# Where the user is signed in.
query Sessions {
  me {
    sessions {
      id
      current
      createdAt
      lastUsedAt
      userAgent
      ip
    }
  }
}
`,
  },
  {
    query: `# Exchanges a refresh token for new tokens.
#
# Put the refreshToken of Register, Login or the
# last Refresh into the variables.
mutation Refresh($input: RefreshInput!) {
  refresh(input: $input) {
    accessToken
    refreshToken
    expiresIn
  }
}
`,
    variables: variables({ refreshToken: 'a refreshToken' }),
  },
  {
    query: `# All users, for administrators.
#
# Be one for a while: Run as an administrator.
# Make one: gatehouse admin create EMAIL
query Users($search: String) {
  users(first: 10, search: $search) {
    totalCount
    edges {
      node {
        id
        email
        roles
        createdAt
      }
    }
  }
}
`,
    variables: JSON.stringify({ search: null }, null, 2),
  },
];
