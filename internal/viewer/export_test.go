package viewer

// OriginOf lets the tests read an origin without a middleware.
var OriginOf = originOf
