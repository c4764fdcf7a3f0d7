#include "dist/gpu_links.hpp"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

using enum GpuLink;

std::string text(const std::vector<GpuLink>& pairs) {
  return links_text(pairs);
}

TEST(GpuLinks, InWords) {
  EXPECT_EQ(text({}), "");  // one GPU
  EXPECT_EQ(text({kNvlink}), "NVLink between both");
  EXPECT_EQ(text({kPcie, kPcie, kPcie}), "PCIe between all 3 pairs");
  EXPECT_EQ(text({kNvlink, kPcie, kPcie, kHost, kPcie, kNvlink}),
            "NVLink between 2 pair(s), PCIe between 3, host memory between 1");
}

}  // namespace
}  // namespace charrnn
