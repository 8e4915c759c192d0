import { X509Certificate } from 'node:crypto'
import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { applets } from '../applets.ts'
import { architectures } from '../debian/pins.ts'
import { expectEqual, type ImageUnderTest, run } from './programs.ts'

/** Fewer certificates than in any release of ca-certificates. */
const minCertificates = 100

/** The folder with the files of one platform, after `checkUnpacked`. */
export function unpackedRoot({ folder }: ImageUnderTest, architecture: string): string {
  return join(folder, architecture, 'rootfs')
}

/** Unpacks each platform with umoci and checks files, modes, links and certificates. */
export function checkUnpacked(image: ImageUnderTest): void {
  const single = join(image.folder, 'single')
  for (const architecture of architectures) {
    const source = `oci:${image.layout}:${image.tag}`
    // umoci does not choose a platform of an index.
    run(
      'skopeo',
      '--override-os',
      'linux',
      '--override-arch',
      architecture,
      'copy',
      '-q',
      '--insecure-policy',
      source,
      `oci:${single}:${architecture}`,
    )
    const rootless = process.getuid?.() === 0 ? [] : ['--rootless']
    run(
      'umoci',
      'unpack',
      ...rootless,
      '--image',
      `${single}:${architecture}`,
      join(image.folder, architecture),
    )
    checkFiles(unpackedRoot(image, architecture))
  }
}

function checkFiles(root: string): void {
  for (const path of ['tmp', 'home/dray'])
    expectEqual(`the mode of /${path}`, lstatSync(join(root, path)).mode & 0o7777, 0o1777)
  for (const name of applets)
    expectEqual(
      `the target of ${name}`,
      realpathSync(join(root, 'usr', 'bin', name)),
      realpathSync(join(root, 'usr', 'bin', 'busybox')),
    )
  const bundle = readFileSync(join(root, 'etc', 'ssl', 'certs', 'ca-certificates.crt'), 'utf8')
  const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []
  expectEqual('the text of all certificates', certificates.join(''), bundle)
  for (const pem of certificates) void new X509Certificate(pem)
  if (certificates.length < minCertificates) throw new Error(`there are ${certificates.length} certificates`)
}
