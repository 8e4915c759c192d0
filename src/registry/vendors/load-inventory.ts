import type { Inventory, InventoryKind } from '../../images/inventory/inventory.ts'
import type { VendorApi } from './vendor-api.ts'

/** Creates the inventory of one registry. */
export type CreateInventory = (api: VendorApi) => Inventory

/** Loads the code of a vendor. Each is loaded only for a registry of its kind. */
export const vendorInventories: Readonly<Record<InventoryKind, () => Promise<CreateInventory>>> = {
  ghcr: async () => (await import('./ghcr/ghcr.ts')).createGhcrInventory,
  ecr: async () => (await import('./ecr/ecr.ts')).createEcrInventory,
  harbor: async () => (await import('./harbor.ts')).createHarborInventory,
  gar: async () => (await import('./gar/gar.ts')).createGarInventory,
  acr: async () => (await import('./acr.ts')).createAcrInventory,
  dockerhub: async () => (await import('./dockerhub/dockerhub.ts')).createDockerHubInventory,
  gitlab: async () => (await import('./gitlab.ts')).createGitLabInventory,
  quay: async () => (await import('./quay.ts')).createQuayInventory,
  gitea: async () => (await import('./gitea.ts')).createGiteaInventory,
}
