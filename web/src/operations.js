const random = (bytes) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');

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
mutation Register($input: RegisterInput!) {
  register(input: $input) {
    accessToken
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
];
