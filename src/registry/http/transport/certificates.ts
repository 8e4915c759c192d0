import type { SecureContext } from 'node:tls'
import { DrayError } from '../../../lib/errors.ts'
import type { RegistrySettings } from './origins.ts'

/**
 * Authorities that dray trusts for a registry in addition to those of Node, and the certificate of
 * this machine.
 */
export type Certificates = Pick<RegistrySettings, 'ca' | 'clientCertificate'>

/** Returns the certificates of the folders of this machine for a registry. @throws `config` */
export type CertificateFolders = (registry: string) => Promise<Certificates>

/**
 * Returns the settings of a registry. Missing ones come from the folders. @throws as `folders`.
 */
export async function combineCertificates(
  registry: string,
  settings: RegistrySettings | undefined,
  folders: CertificateFolders | undefined,
): Promise<Certificates> {
  const found = await folders?.(registry)
  const ca = settings?.ca ?? found?.ca
  const clientCertificate = settings?.clientCertificate ?? found?.clientCertificate
  return { ...(ca !== undefined && { ca }), ...(clientCertificate !== undefined && { clientCertificate }) }
}

/**
 * Whether a code of Node or OpenSSL says that a certificate is not trusted. Another attempt sees
 * the same certificate.
 */
export function isCertificateCode(code: string): boolean {
  return /^(?:ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_)/.test(code)
}

/**
 * The options of every TLS connection that dray opens: to registries, token servers, storage,
 * proxies and webhooks. `NODE_TLS_REJECT_UNAUTHORIZED`, `--tls-min-v1.0` and `--tls-cipher-list`
 * change the defaults of Node. A forgotten variable in an environment must not weaken a
 * connection, so nothing here is left to those defaults.
 * @throws `config` if Node is configured with no cipher that may be used.
 */
export async function tlsOptions({ ca, clientCertificate }: Certificates) {
  const tls = await import('node:tls')
  return {
    rejectUnauthorized: true,
    minVersion: tls.DEFAULT_MIN_VERSION === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: await cipherList(tls.DEFAULT_CIPHERS),
    // A list of authorities replaces the default ones of Node, so these are part of it.
    ...(ca !== undefined && { ca: [...tls.getCACertificates('default'), ca] }),
    ...clientCertificate,
  } as const
}

/**
 * Returns the options of TLS connections that share one context: to read the authorities takes
 * longer than the rest of a handshake. The result throws for an invalid certificate.
 */
export async function sharedTlsOptions(certificates: Certificates) {
  const [{ createSecureContext }, options] = await Promise.all([import('node:tls'), tlsOptions(certificates)])
  let secureContext: SecureContext | undefined
  return () => ({ ...options, secureContext: (secureContext ??= createSecureContext(options)) })
}

/**
 * The ciphers that Node is configured with, without those that encrypt or authenticate nothing or
 * too weakly.
 * @throws `config` if none is left.
 */
async function cipherList(configured: string): Promise<string> {
  const { constants } = await import('node:crypto')
  const builtIn = constants.defaultCoreCipherList
  if (configured === builtIn) return builtIn
  const excluded = builtIn.split(':').filter((cipher) => cipher.startsWith('!'))
  // TLS_SHA256_SHA256 and TLS_SHA384_SHA384 (RFC 9150) do not encrypt. OpenSSL cannot exclude them
  // by `!`.
  const allowed = configured.split(':').filter((cipher) => !/^(?:TLS_SHA|@SECLEVEL=[01]$)/.test(cipher))
  const ciphers = [...new Set([...allowed, ...excluded])].join(':')
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext({ ciphers })
  } catch (cause) {
    throw new DrayError('config', '--tls-cipher-list in NODE_OPTIONS allows no usable cipher', {
      subject: 'NODE_OPTIONS',
      why: 'dray rejects ciphers that do not encrypt, do not authenticate, or are insecure',
      hint: 'Remove --tls-cipher-list from NODE_OPTIONS.',
      cause,
    })
  }
  return ciphers
}
