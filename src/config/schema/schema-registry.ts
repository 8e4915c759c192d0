import * as v from 'valibot'
import { keyPassword, text } from './schema-words.ts'

const maxConcurrency = 256

/** How one registry is reached. */
export const registry = v.pipe(
  v.strictObject({
    insecure: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('Talk plain HTTP to it. Loopback addresses need no such permission.'),
      ),
    ),
    ca: v.optional(
      v.pipe(
        text('the path of a PEM file'),
        v.description('A PEM file with further certificate authorities, relative to this file.'),
      ),
    ),
    clientCertificate: v.optional(
      v.pipe(
        v.strictObject({
          cert: v.pipe(
            text('the path of a PEM file'),
            v.description('The PEM file of the certificate, relative to this file.'),
          ),
          key: v.pipe(
            text('the path of a PEM file'),
            v.description('The PEM file of its private key, relative to this file.'),
          ),
          passwordEnv: keyPassword,
        }),
        v.description('What this machine shows of itself to a registry that asks for a certificate.'),
      ),
    ),
    tokenRealm: v.optional(
      v.pipe(
        v.string('must be a URL'),
        v.regex(
          /^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/,
          'must be an http or https URL without credentials',
        ),
        v.description('The URL of the token service, where it is on another host than the registry.'),
      ),
    ),
    tokenService: v.optional(
      v.pipe(
        text('the name of a service'),
        v.maxLength(255, 'must be at most 255 characters'),
        v.description(
          'The service that the registry names in its challenge, if that is the host of another registry.',
        ),
      ),
    ),
    concurrency: v.optional(
      v.pipe(
        v.number('must be a whole number'),
        v.integer('must be a whole number'),
        v.minValue(1, 'must be at least 1'),
        v.maxValue(maxConcurrency, `must be at most ${maxConcurrency}`),
        v.description('How many requests may be under way at once; 16 where it is not given.'),
      ),
    ),
    aliases: v.optional(
      v.pipe(
        v.array(text('a host, with or without a path'), 'must be a list of hosts'),
        v.description(
          'Other hosts, with an optional path prefix, that serve the same repositories, such as a mirror. Images that run under these names are in use, and the rules of environments hold there.',
        ),
      ),
    ),
  }),
  v.description('How one registry is reached.'),
)
