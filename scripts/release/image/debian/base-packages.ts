/** What the image takes from a package of Debian, beside its copyright file. */
export interface BasePackage {
  readonly name: string
  /** SPDX expression, after the copyright file of the package */
  readonly license: string
  /** the files, as regular expressions of whole paths */
  readonly files: readonly RegExp[]
}

/** The shared objects of glibc that dray and `getaddrinfo` load. */
const objects = ['c', 'm', 'dl', 'pthread', 'rt', 'resolv', 'nss_dns', 'nss_files']

/**
 * The packages of the first layer, sorted by name. A build fails if dray needs a shared object that
 * none of them has.
 */
export const basePackages: readonly BasePackage[] = [
  {
    name: 'base-files',
    license: 'GPL-2.0-or-later',
    files: [/^usr\/lib\/os-release$/, /^etc\/debian_version$/, /^usr\/share\/common-licenses\/[^/]+$/],
  },
  { name: 'busybox-static', license: 'GPL-2.0-only', files: [/^usr\/bin\/busybox$/] },
  // Its certificates are in one file instead (base-layer.ts).
  { name: 'ca-certificates', license: 'MPL-2.0 AND GPL-2.0-or-later', files: [] },
  {
    name: 'libc6',
    license: 'LGPL-2.1-or-later AND GPL-2.0-or-later',
    files: [
      /^usr\/lib(?:64)?\/(?:[^/]+\/)?ld-linux-[^/]+\.so\.\d+$/,
      new RegExp(`^usr/lib/[^/]+/lib(?:${objects.join('|')})\\.so\\.\\d+$`),
    ],
  },
]

/** Whether the image contains a file of a package. */
export function isIncluded(name: string, path: string): boolean {
  if (path === `usr/share/doc/${name}/copyright`) return true
  return basePackages.some((one) => one.name === name && one.files.some((file) => file.test(path)))
}
