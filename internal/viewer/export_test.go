package viewer

// OriginOf is originOf for tests.
var OriginOf = originOf
