import * as v from 'valibot'
import { described, either, isMapLike, list, optional, shortList, pattern, pemFile, text } from './schema-parts.ts'

/** A day, such as the last one on which something counts. */
export const date = pattern(
  'a date such as 2027-01-31',
  /^\d{4}-\d{2}-\d{2}$/,
  'must be a date such as 2027-01-31',
)

/** References to signers. */
export const signerNames = shortList(text('the name of a signer'), 'names of signers')

const key = either(
  (value) => !isMapLike(value),
  pemFile,
  v.strictObject(
    {
      file: described(pemFile, 'The PEM file of the public key, relative to this file.'),
      expires: optional(
        date,
        'The last day on which the key counts (UTC), such as 2026-06-30. An expired key verifies nothing.',
      ),
    },
    'must be a map with `file`',
  ),
)

const keyless = v.strictObject(
  {
    issuer: described(text('the URL of an issuer'), 'The OIDC issuer of the certificates, exact.'),
    subject: optional(
      text('the subject of a certificate'),
      'The identity in the certificates. `*` stops at a slash, `**` does not, and {image} is the name of the image.',
    ),
    subjectRegExp: optional(
      text('a regular expression'),
      'A regular expression (RE2) that matches the whole identity, in place of `subject`.',
    ),
    claims: optional(
      v.record(text('the name of a claim'), v.string('must be text'), 'must be a map of claims and texts'),
      'Extensions of the certificates with exactly these values, for example runnerEnvironment: github-hosted.',
    ),
    trustedRoot: described(
      text('the path of a trusted root'),
      'The trusted root (.json, or .jsonl with several), relative to this file. dray never downloads one.',
    ),
    transparencyLog: optional(
      v.picklist(['required', 'none'], 'must be required or none'),
      'required (default) demands an entry in a transparency log, and none a signed timestamp in its place.',
    ),
  },
  'must be a map with `issuer`, `subject` and `trustedRoot`',
)

const signerKeys = {
  keys: optional(
    list(key, 'PEM files'),
    'The public keys of one signer, for rotation: PEM files, or maps with `file` and `expires`.',
  ),
  keyless: optional(keyless, 'An identity in short-lived certificates of Fulcio.'),
}

const name = pattern(
  'a name',
  /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/,
  'must consist of letters, digits, ".", "_", "-", "@" and "+", and begin with a letter or digit',
)

const signer = described(
  v.strictObject(signerKeys, 'must be a map with `keys` or `keyless`'),
  'A signer: its keys, or its identity in certificates.',
)

const approver = described(
  v.strictObject(
    {
      ...signerKeys,
      actors: optional(
        list(text('an account'), 'accounts'),
        'The CI accounts of the person, for example github:ada. The approval of the person who promotes does not count.',
      ),
    },
    'must be a map with `keys` or `keyless`',
  ),
  'A person who can approve.',
)

export const signers = optional(
  v.record(name, signer, 'must be a map'),
  'Who is trusted to sign. Gates refer to signers by name.',
)

export const approvers = optional(
  v.record(name, v.record(name, approver, 'must be a map of people'), 'must be a map'),
  'Groups of people who can approve, by name.',
)

export type WrittenSigner = v.InferOutput<typeof signer>
export type WrittenApprover = v.InferOutput<typeof approver>
export type WrittenKeyless = v.InferOutput<typeof keyless>
