// What the lists show is in the fragment of the address, so that the browser's buttons go through it. The variables of
// their queries are made of that.
export const pageSize = 50;

export const statuses = ['ACTIVE', 'SUSPENDED', 'DELETED'];
export const roles = ['USER', 'ADMIN'];
export const orders = {
  newest: { field: 'CREATED_AT', direction: 'DESC' },
  oldest: { field: 'CREATED_AT', direction: 'ASC' },
  az: { field: 'EMAIL', direction: 'ASC' },
  za: { field: 'EMAIL', direction: 'DESC' },
};
export const answers = ['yes', 'no'];

// linkTo is the fragment of a view. Values that are empty are left out.
export function linkTo(view, values = {}) {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.length ? `#${view}?${new URLSearchParams(given)}` : `#${view}`;
}

// startOf is when a day begins where the reader is, or one that is some days later.
export function startOf(day, later = 0) {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? '') ?? [];
  return year ? new Date(year, month - 1, Number(date) + later).toISOString() : undefined;
}

const text = (params, name) => params.get(name)?.trim() || undefined;
const oneOf = (params, name, known) => known.find((value) => value === params.get(name));

function page(params) {
  const before = text(params, 'before');
  return before ? { last: pageSize, before } : { first: pageSize, after: text(params, 'after') };
}

export function usersVariables(params) {
  const confirmed = oneOf(params, 'confirmed', answers);
  return {
    ...page(params),
    search: text(params, 'search'),
    filter: {
      status: oneOf(params, 'status', statuses),
      role: oneOf(params, 'role', roles),
      emailVerified: confirmed && confirmed === 'yes',
      createdSince: startOf(params.get('since')),
      createdUntil: startOf(params.get('until'), 1),
    },
    orderBy: orders[oneOf(params, 'order', Object.keys(orders)) ?? 'newest'],
  };
}

export function auditVariables(params) {
  return {
    ...page(params),
    filter: {
      userId: text(params, 'userId'),
      actorId: text(params, 'actorId'),
      kind: text(params, 'kind'),
      since: startOf(params.get('since')),
      until: startOf(params.get('until'), 1),
    },
  };
}
