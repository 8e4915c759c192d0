import * as v from 'valibot'
import { described, flag, keyPassword, optional, pemFile, text, webUrl } from './schema-parts.ts'

const maxConcurrency = 256

/** How one registry is reached. */
export const registry = described(
  v.strictObject({
    insecure: optional(flag, 'Talk plain HTTP to it. Loopback addresses need no such permission.'),
    ca: optional(pemFile, 'A PEM file with further certificate authorities, relative to this file.'),
    clientCertificate: optional(
      v.strictObject({
        cert: described(pemFile, 'The PEM file of the certificate, relative to this file.'),
        key: described(pemFile, 'The PEM file of its private key, relative to this file.'),
        passwordEnv: keyPassword,
      }),
      'What this machine shows of itself to a registry that asks for a certificate.',
    ),
    tokenRealm: optional(
      webUrl,
      'The URL of the token service, where it is on another host than the registry.',
    ),
    tokenService: optional(
      v.pipe(text('the name of a service'), v.maxLength(255, 'must be at most 255 characters')),
      'The service that the registry names in its challenge, if that is the host of another registry.',
    ),
    concurrency: optional(
      v.pipe(
        v.number('must be a whole number'),
        v.integer('must be a whole number'),
        v.minValue(1, 'must be at least 1'),
        v.maxValue(maxConcurrency, `must be at most ${maxConcurrency}`),
      ),
      'How many requests may be under way at once; 16 where it is not given.',
    ),
    aliases: optional(
      v.array(text('a host, with or without a path'), 'must be a list of hosts'),
      'Other hosts, with an optional path prefix, that serve the same repositories, such as a mirror. Images that run under these names are in use, and the rules of environments hold there.',
    ),
  }),
  'How one registry is reached.',
)
