import * as v from 'valibot'
import { described, flag, keyPassword, optional, pemFile, text, webUrl } from './schema-parts.ts'

const maxConcurrency = 256

/** The connection settings of a registry. */
export const registry = described(
  v.strictObject({
    insecure: optional(flag, 'Use plain HTTP. Loopback addresses do not need this.'),
    ca: optional(pemFile, 'A PEM file with additional certificate authorities, relative to this file.'),
    clientCertificate: optional(
      v.strictObject({
        cert: described(pemFile, 'The PEM file of the certificate, relative to this file.'),
        key: described(pemFile, 'The PEM file of its private key, relative to this file.'),
        passwordEnv: keyPassword,
      }),
      'The client certificate for a registry that requires one.',
    ),
    tokenRealm: optional(
      webUrl,
      'The URL of the token service, if it is on another host than the registry.',
    ),
    tokenService: optional(
      v.pipe(text('the name of a service'), v.maxLength(255, 'must be at most 255 characters')),
      'The service in the challenge of the registry, if it is the host of another registry.',
    ),
    concurrency: optional(
      v.pipe(
        v.number('must be a whole number'),
        v.integer('must be a whole number'),
        v.minValue(1, 'must be at least 1'),
        v.maxValue(maxConcurrency, `must be at most ${maxConcurrency}`),
      ),
      'The maximum number of concurrent requests. The default is 32, and 8 transfers of blobs in each direction.',
    ),
    aliases: optional(
      v.array(text('a host, with or without a path'), 'must be a list of hosts'),
      'Other hosts, with an optional path prefix, that serve the same repositories, for example a mirror. Images that are in use under these names are protected, and the rules of environments apply to them.',
    ),
  }),
  'The connection settings of a registry.',
)
