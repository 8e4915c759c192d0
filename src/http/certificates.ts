import type { RegistrySettings } from './origins.ts'

/** What a registry is trusted by besides the system's authorities, and what is shown to it. */
export type Certificates = Pick<RegistrySettings, 'ca' | 'clientCertificate'>

/** What folders of this machine have for a registry. @throws `config` */
export type CertificateFolders = (registry: string) => Promise<Certificates>

/** The settings of a registry, and where they say nothing what the folders have. @throws as `folders`. */
export async function certificatesFor(
  registry: string,
  settings: RegistrySettings | undefined,
  folders: CertificateFolders | undefined,
): Promise<Certificates> {
  const found = await folders?.(registry)
  const ca = settings?.ca ?? found?.ca
  const clientCertificate = settings?.clientCertificate ?? found?.clientCertificate
  return { ...(ca !== undefined && { ca }), ...(clientCertificate !== undefined && { clientCertificate }) }
}

/** The options of TLS that they come to. Naming an authority to Node replaces all others; registries redirect to storage with a public one. */
export async function tlsOptions({ ca, clientCertificate }: Certificates) {
  if (ca === undefined) return { ...clientCertificate }
  const { getCACertificates } = await import('node:tls')
  return { ca: [...getCACertificates('default'), ca], ...clientCertificate }
}
