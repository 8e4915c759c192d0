import * as v from 'valibot'
import { vendorKinds } from '../config.ts'
import { described, flag, keyPassword, optional, pemFile, text, variable, webUrl, whole } from './schema-parts.ts'

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
    kind: optional(
      v.picklist([...vendorKinds, 'none'], `must be ${vendorKinds.join(', ')} or none`),
      'The vendor of the registry, whose API lists untagged manifests and times. Hosted registries are recognised by their host. With none, dray uses the OCI API only.',
    ),
    api: optional(
      webUrl,
      "The URL of the vendor's API, if it is not the one that belongs to the host. A host that the registry's credentials do not belong to needs tokenEnv.",
    ),
    tokenEnv: optional(variable, "The environment variable with the token for the vendor's API."),
    pricePerGiBMonth: optional(
      v.pipe(
        v.number('must be a number'),
                v.minValue(0, 'must be at least 0'),
        v.maxValue(1_000_000, 'must be at most 1000000'),
      ),
      'The price of one GiB that is stored for a month, in any currency. dray usage shows the cost.',
    ),
    reservePulls: optional(
      whole(0),
      "The pulls of the registry's quota to leave for others: dray sync stops reading from the registry when only so many are left.",
    ),
    dedupe: optional(
      v.picklist(['registry', 'repository'], 'must be registry or repository'),
      'Whether the repositories of the registry share stored blobs (registry, the default), or each stores its own (repository).',
    ),
    aliases: optional(
      v.array(text('a host, with or without a path'), 'must be a list of hosts'),
      'Other hosts, with an optional path prefix, that serve the same repositories, for example a mirror. Images that are in use under these names are protected, and the rules of environments apply to them.',
    ),
  }),
  'The connection settings of a registry.',
)
