import { basePackages } from '../image/debian/base-packages.ts'
import type { Pin, Pins } from '../image/debian/pins.ts'
import type { SbomPart } from './cyclonedx.ts'

/** A package of npm in the bundle. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
  readonly license: string
}

export interface Product {
  readonly version: string
  readonly license: string
  readonly description: string
}

/** dray itself, as an npm package. */
export function drayPart({ version, license, description }: Product): SbomPart {
  return { type: 'application', name: 'dray', version, license, description, purl: npmUrl('dray', version) }
}

export function bundledPart({ name, version, license }: BundledPackage): SbomPart {
  return { type: 'library', name, version, license, purl: npmUrl(name, version) }
}

/** The runtime in the standalone binaries and the image, which is a package of npm too. */
export function runtimePart(bun: BundledPackage): SbomPart {
  const description = 'The JavaScript runtime of the standalone binaries.'
  return { ...bundledPart(bun), type: 'platform', description }
}

/**
 * The runtime of the npm package, which does not contain it. The version is that of its tests.
 */
export function nodePart(version: string): SbomPart {
  return {
    type: 'platform',
    name: 'node',
    version,
    license: 'MIT',
    purl: `pkg:generic/node@${version}`,
    scope: 'optional',
    description: 'The JavaScript runtime of the npm package, which does not contain it.',
  }
}

/** The file of a Debian package, and the source package from which Debian built it. */
export function debianPart(pin: Pin, { release }: Pins): SbomPart {
  const { name, version, architecture, source, sourceVersion, sha256 } = pin
  const license = basePackages.find((one) => one.name === name)?.license
  return {
    type: 'library',
    name,
    version,
    sha256,
    purl: debianUrl(pin, release),
    ...(license !== undefined && { license }),
    properties: {
      'dray:debian:architecture': architecture,
      'dray:debian:source': `${source} ${sourceVersion}`,
    },
  }
}

/** The distribution: scanners search for vulnerabilities of its packages in its data. */
export function distributionPart({ release }: Pins): SbomPart {
  return { type: 'operating-system', name: 'debian', version: release, ref: `debian-${release}` }
}

/** Package URLs (purl-spec, types npm and deb). */
function npmUrl(name: string, version: string): string {
  return `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}@${encodeURIComponent(version)}`
}

export function debianUrl(pin: Pin, release: string): string {
  const { name, version, architecture, source, sourceVersion } = pin
  const upstream = source === name ? [] : [`upstream=${encodeURIComponent(`${source}@${sourceVersion}`)}`]
  const qualifiers = [`arch=${architecture}`, `distro=debian-${release}`, ...upstream].join('&')
  return `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${qualifiers}`
}
