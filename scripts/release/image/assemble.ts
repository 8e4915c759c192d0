import type { StatementArtifact } from '../../../src/audit/attestation/statement-artifact.ts'
import { project } from '../../../src/cli/project.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { digestOf, encodedOf } from '../../../src/oci/digest.ts'
import type { SigningKey } from '../../../src/signing/signing-keys.ts'
import { type Material, provenanceOf, provenanceType } from '../provenance.ts'
import { cycloneDxBom, type SbomPart } from '../sbom/cyclonedx.ts'
import {
  bundledPart,
  type BundledPackage,
  debianPart,
  debianUrl,
  distributionPart,
  drayPart,
  type Product,
  runtimePart,
} from '../sbom/parts.ts'
import { attachmentOf, cycloneDxType, type Predicate } from './attach.ts'
import { baseEntries } from './base-layer.ts'
import { type ComposedImage, composeImage } from './compose.ts'
import { type Architecture, type Pin, type Pins, pinsFor } from './debian/pins.ts'
import type { DebianPackage } from './debian/unpack.ts'
import { checkBinary, drayEntries } from './dray-layer.ts'
import { buildLayer } from './layer.ts'

/** Everything that the bytes of the image depend on, except for the version of zlib. */
export interface ImageInputs {
  readonly product: Product
  /** the hash of the commit; undefined outside of a repository */
  readonly commit: string | undefined
  /** seconds since 1970 */
  readonly date: number
  readonly pins: Pins
  readonly platforms: readonly PlatformInputs[]
  /** files of dray by their path in the image, for every platform */
  readonly texts: ReadonlyMap<string, string>
  readonly bundled: readonly BundledPackage[]
  /** Bun, which is in the binaries */
  readonly runtime: BundledPackage
  /** signs the attached artifacts */
  readonly key?: SigningKey
}

export interface PlatformInputs {
  readonly architecture: Architecture
  readonly packages: readonly DebianPackage[]
  readonly binary: Uint8Array
}

export interface AssembledImage {
  readonly image: ComposedImage
  readonly attachments: readonly StatementArtifact[]
}

/** Builds the image, and an SBOM and the provenance for each platform and for the index. */
export function assembleImage(inputs: ImageInputs): AssembledImage {
  const created = new Date(inputs.date * 1000).toISOString().replace('.000Z', 'Z')
  const parts = inputs.platforms.map(({ architecture, packages, binary }) => {
    const base = baseEntries(packages)
    checkBinary(binary, architecture, base)
    return {
      architecture,
      layers: [
        { ...buildLayer(base), createdBy: `packages of Debian ${inputs.pins.release}` },
        {
          ...buildLayer(drayEntries({ binary, texts: inputs.texts })),
          createdBy: `dray ${inputs.product.version}`,
        },
      ],
    }
  })
  const image = composeImage(parts, labelsOf(inputs, created), created)
  const subjects = [
    ...image.images.map(({ manifest }, i) => ({ manifest, of: inputs.platforms.slice(i, i + 1) })),
    { manifest: image.index, of: inputs.platforms },
  ]
  const attachments = subjects.flatMap(({ manifest: { descriptor }, of }) =>
    [sbomOf(inputs, descriptor, of, created), provenancePredicateOf(inputs, of, created)].map((predicate) =>
      attachmentOf(descriptor, predicate, created, inputs.key),
    ),
  )
  return { image, attachments }
}

/** The predefined keys of annotations (image-spec, annotations.md), as far as they apply. */
function labelsOf({ product, commit }: ImageInputs, created: string): Readonly<Record<string, string>> {
  const prefix = 'org.opencontainers.image'
  return {
    [`${prefix}.created`]: created,
    [`${prefix}.description`]: product.description,
    [`${prefix}.documentation`]: project.docs,
    [`${prefix}.licenses`]: product.license,
    ...(commit !== undefined && { [`${prefix}.revision`]: commit }),
    [`${prefix}.source`]: project.repository,
    [`${prefix}.title`]: 'dray',
    [`${prefix}.url`]: project.homepage,
    [`${prefix}.version`]: product.version,
  }
}

function sbomOf(
  { product, pins, bundled, runtime }: ImageInputs,
  { digest }: Descriptor,
  platforms: readonly PlatformInputs[],
  created: string,
): Predicate {
  const container: SbomPart = {
    type: 'container',
    name: 'dray',
    version: product.version,
    license: product.license,
    purl: `pkg:oci/dray@${encodeURIComponent(digest)}?repository_url=${project.image}`,
    sha256: encodedOf(digest),
  }
  const components = [
    drayPart(product),
    ...bundled.map(bundledPart),
    runtimePart(runtime),
    distributionPart(pins),
    ...pinsOf(pins, platforms).map((pin) => debianPart(pin, pins)),
  ]
  return { predicateType: cycloneDxType, predicate: cycloneDxBom(container, components, created) }
}

function provenancePredicateOf(
  { product, commit, pins }: ImageInputs,
  platforms: readonly PlatformInputs[],
  created: string,
): Predicate {
  const materials: Material[] = [
    ...platforms.map(({ architecture, binary }) => ({
      name: `dray for linux/${architecture}`,
      digest: { sha256: encodedOf(digestOf(binary)) },
    })),
    ...pinsOf(pins, platforms).map((pin) => ({
      name: `${pin.name} ${pin.version}`,
      uri: debianUrl(pin, pins.release),
      digest: { sha256: pin.sha256 },
    })),
  ]
  const facts = { version: product.version, commit, created, materials }
  return { predicateType: provenanceType, predicate: provenanceOf(facts) }
}

/** A package for all architectures is in every platform, and once in a list. */
function pinsOf(pins: Pins, platforms: readonly PlatformInputs[]): readonly Pin[] {
  return [...new Set(platforms.flatMap(({ architecture }) => pinsFor(pins, architecture)))]
}
