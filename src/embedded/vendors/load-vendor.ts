import type { VendorImitation, VendorName } from './vendor.ts'

/** Loads the imitation of a vendor. Each is loaded only if it is used. */
export const vendorImitations: Readonly<Record<VendorName, () => Promise<VendorImitation>>> = {
  ghcr: async () => (await import('./ghcr/ghcr.ts')).ghcr,
  ecr: async () => (await import('./ecr.ts')).createEcrImitation(),
  harbor: async () => (await import('./harbor/harbor.ts')).harbor,
  gar: async () => (await import('./gar/imitation.ts')).createGarImitation(),
  acr: async () => (await import('./acr.ts')).createAcrImitation(),
  dockerhub: async () => (await import('./dockerhub/dockerhub.ts')).dockerhub,
  gitlab: async () => (await import('./gitlab.ts')).createGitLabImitation(),
  quay: async () => (await import('./quay/quay.ts')).createQuayImitation(),
  gitea: async () => (await import('./gitea/gitea.ts')).gitea,
}
