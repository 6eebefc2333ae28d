import type { ReactNode } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import { ui } from "../ui/ui";

interface Props {
  label: string;
  isDismissable?: boolean;
  isWide?: boolean;
  /** Stands near the top, so that it does not move while its contents change. */
  isHigh?: boolean;
  close: () => void;
  children: ReactNode;
}

/** A dialog above the page; what is below stays as it is. */
export function Overlay({ label, isDismissable = true, isWide = false, isHigh = false, close, children }: Props) {
  return (
    <ModalOverlay
      className={isHigh ? `${ui["scrim"]} ${ui["high"]}` : ui["scrim"]!}
      isOpen
      isDismissable={isDismissable}
      isKeyboardDismissDisabled={!isDismissable}
      onOpenChange={(isOpen) => {
        if (!isOpen) close();
      }}
    >
      <Modal className={isWide ? `${ui["modal"]} ${ui["wide"]}` : ui["modal"]!}>
        <Dialog aria-label={label}>{children}</Dialog>
      </Modal>
    </ModalOverlay>
  );
}
