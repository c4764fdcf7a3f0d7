#include "dist/launcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/error.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::HasSubstr;

using Variables = std::map<std::string, const char*>;

Environment environment_of(const Variables& variables) {
  return [variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second;
  };
}

std::string error_for(int world_size, const Variables& variables) {
  return error_of<UsageError>([&] { check_launcher(world_size, environment_of(variables)); });
}

std::string error_before_mpi(const Variables& variables) {
  return error_of<UsageError>([&] { check_before_mpi(environment_of(variables)); });
}

TEST(Launcher, HasAName) {
  EXPECT_EQ(launcher_name(environment_of({})), "");
  EXPECT_EQ(launcher_name(environment_of({{"SLURM_NTASKS", "2"}})), "");  // a batch script has it too
  EXPECT_EQ(launcher_name(environment_of({{"SLURM_STEP_NUM_TASKS", "2"}})), "srun");
  EXPECT_EQ(launcher_name(environment_of({{"SLURM_STEP_NUM_TASKS", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}})), "mpirun");
}

TEST(Launcher, AgreementIsFine) {
  EXPECT_EQ(error_for(1, {}), "");
  EXPECT_EQ(error_for(4, {{"OMPI_COMM_WORLD_SIZE", "4"}}), "");
  EXPECT_EQ(error_for(4, {{"SLURM_STEP_NUM_TASKS", "4"}}), "");
  EXPECT_EQ(error_for(1, {{"SLURM_STEP_NUM_TASKS", "1"}}), "");
}

TEST(Launcher, SingletonsUnderSrunAreRefusedWithTheFlagThatHelps) {
  const std::string error = error_for(1, {{"SLURM_STEP_NUM_TASKS", "4"}});
  EXPECT_THAT(error, HasSubstr("srun started 4 tasks"));
  EXPECT_THAT(error, HasSubstr("world of 1"));
  EXPECT_THAT(error, HasSubstr("--mpi=pmix"));
}

TEST(Launcher, SrunWithoutPmixIsRefusedBeforeMpiStarts) {
  EXPECT_THAT(error_before_mpi({{"SLURM_STEP_NUM_TASKS", "2"}}), HasSubstr("--mpi=pmix"));
  EXPECT_EQ(error_before_mpi({{"SLURM_STEP_NUM_TASKS", "2"}, {"PMIX_NAMESPACE", "slurm.pmix.1.0"}}), "");
  EXPECT_EQ(error_before_mpi({{"SLURM_STEP_NUM_TASKS", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}), "");
  EXPECT_EQ(error_before_mpi({{"SLURM_NTASKS", "2"}}), "");
}

TEST(Launcher, AnotherMpisLauncherIsRefused) {
  EXPECT_THAT(error_for(1, {{"PMI_SIZE", "2"}}), HasSubstr("MPICH"));
  EXPECT_THAT(error_for(1, {{"OMPI_COMM_WORLD_SIZE", "3"}}), HasSubstr("mpirun started 3 tasks"));
}

TEST(Launcher, ABatchScriptMayStartTheProgramAlone) {
  EXPECT_EQ(error_for(1, {{"SLURM_NTASKS", "4"}}), "");
}

TEST(Launcher, MpirunInsideAStepOfOneTaskIsFine) {
  EXPECT_EQ(error_for(4, {{"SLURM_STEP_NUM_TASKS", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}}), "");
}

}  // namespace
}  // namespace charrnn
