export {
  type Arguments,
  createGatehouse,
  type Gatehouse,
  type Options,
  type RequestOptions,
  type TypedDocument,
} from "./client.js";
export { type ApiError, apiErrors, GatehouseError, type StepUp } from "./errors.js";
export {
  createPasskey,
  forgetPasskey,
  type NewPasskey,
  type PasskeyOptions,
  type PasskeyProof,
  passkeyProof,
  passkeysWork,
  signInWithPasskey,
} from "./passkeys.js";
export { type Permission, permissions, type Permissions } from "./permissions.js";
export { type Coordinate, ErrorCode, FactorKind, InputProblem } from "./schema.js";
export type { Session } from "./session.js";
export type { Channel, Platform } from "./tabs.js";
export type { AuthPayload, TokenStorage } from "./tokens.js";
